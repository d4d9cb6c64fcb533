//! `check`: whether key, admin account, region and address are right, by one call that touches no group.

use std::time::Duration;

use crate::{
    disband::Disband as _,
    error::Error,
    escape::Escaped,
    exit::ExitCode,
    figures,
    settings::{CheckSettings, Credential},
    tencent::{
        client::{Checked, Client},
        codes,
        fault::Fault,
    },
    verdict::Action,
};

use super::callee::Callee;

/// Makes the call; returns what it proved, in sentences.
pub(super) fn check(settings: &CheckSettings) -> Result<String, Error> {
    let callee = Callee::live(&settings.account, settings.calls, 1)?;
    let usersig_left = callee.check_usersig(|| Ok(Duration::ZERO))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ExitCode::Usage, error))?;
    let client = callee
        .client()
        .ok_or_else(|| Error::new(ExitCode::Usage, NoClient))?;
    let (checked, asked) = runtime.block_on(ask(&client));
    let account = &settings.account;
    let told = Told {
        checked: &checked,
        asked: &asked,
        sdkappid: account.sdkappid.get(),
        identifier: &account.identifier,
        key: matches!(account.credential, Credential::Key(_)),
        usersig_left,
    };
    told.result()
}

#[derive(Debug, thiserror::Error)]
#[error("there is no client to call with: a bug, please report it")]
struct NoClient;

/// Who was asked: the first address, and the other one if the first could not be reached.
struct Asked {
    last: String,
    /// An address that could not be reached, and why.
    unreached: Option<(String, String)>,
}

/// Asks the region's first domain, and its backup if no connection comes about, as a run does.
async fn ask(client: &Client) -> (Checked, Asked) {
    let first = client.endpoint().to_string();
    let checked = client.check().await;
    let no_connection = matches!(
        checked.fault,
        Some(Fault::Dns(_) | Fault::Connect(_) | Fault::ConnectTimeout(_))
    );
    let other = no_connection.then(|| client.switch_host()).flatten();
    let Some(last) = other else {
        let asked = Asked {
            last: first,
            unreached: None,
        };
        return (checked, asked);
    };
    let unreached = Some((first, Escaped(&checked.answer.info).to_string()));
    (client.check().await, Asked { last, unreached })
}

/// Why the account cannot be worked with.
#[derive(Debug, thiserror::Error)]
enum NotRight {
    #[error("{endpoint} answered with code {code}: {meaning}{said}")]
    Refused {
        endpoint: String,
        code: i64,
        meaning: &'static str,
        said: String,
    },
    #[error("{places} did not pass the check: {what}")]
    NoAnswer { places: String, what: String },
}

/// Everything that is told of a check.
struct Told<'a> {
    checked: &'a Checked,
    asked: &'a Asked,
    sdkappid: u64,
    identifier: &'a str,
    key: bool,
    usersig_left: Option<Duration>,
}

impl Told<'_> {
    fn result(&self) -> Result<String, Error> {
        match (self.checked.answer.code, &self.checked.fault) {
            (Some(0), _) => Ok(self.right()),
            (Some(code), _) => Err(self.refused(code)),
            (None, fault) => Err(self.no_answer(fault.as_ref())),
        }
    }

    fn right(&self) -> String {
        let identifier = Escaped(self.identifier);
        let credential = match (self.key, self.usersig_left) {
            (true, _) => "Key: the service accepts what it signs.".to_owned(),
            (false, None) => "UserSig: the service accepts it.".to_owned(),
            (false, Some(left)) => format!(
                "UserSig: the service accepts it, and it holds for another {}.",
                figures::span(left)
            ),
        };
        let groups = match self.checked.groups {
            Some(groups) => format!("Groups: the app has {}.\n", figures::count(groups)),
            None => String::new(),
        };
        let unreached = match &self.asked.unreached {
            Some((place, why)) => format!(
                "But: {place} could not be reached ({why}). A run turns to the backup by itself.\n"
            ),
            None => String::new(),
        };
        format!(
            "App {app} is ready to be worked on; no group was touched.\n\
             Address: {address} answered in {ms} ms; the app lives there, and lets this machine in.\n\
             {credential}\n\
             Admin: {identifier} is an app admin.\n\
             {groups}{unreached}",
            app = self.sdkappid,
            address = self.asked.last,
            ms = self.checked.answer.latency.as_millis(),
        )
    }

    fn refused(&self, code: i64) -> Error {
        let explanation = codes::explain(code);
        let text = Escaped(&self.checked.answer.info).to_string();
        let error = NotRight::Refused {
            endpoint: self.asked.last.clone(),
            code,
            meaning: explanation.meaning,
            said: match text.is_empty() {
                true => String::new(),
                false => format!(". It says: {text}"),
            },
        };
        let advice = match self.checked.answer.verdict.action {
            Action::Slow => {
                "The account may well be right, but calls come too fast now: try again in a minute."
            }
            Action::Retry => {
                "The account may well be right, but the service has trouble of its own: try again in a minute."
            }
            _ => explanation.advice,
        };
        Error::new(ExitCode::Stopped, error).with_hint(advice)
    }

    fn no_answer(&self, fault: Option<&Fault>) -> Error {
        let places = match &self.asked.unreached {
            Some((first, _)) => format!("{first} and its backup {}", self.asked.last),
            None => self.asked.last.clone(),
        };
        let what = Escaped(&self.checked.answer.info).to_string();
        let error = Error::new(ExitCode::Stopped, NotRight::NoAnswer { places, what });
        match fault {
            Some(fault) => error.with_hint(fault.advice()),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disband::Answer;

    fn checked(code: Option<i64>, info: &str, fault: Option<Fault>) -> Checked {
        let verdict = match &fault {
            Some(fault) => fault.verdict(),
            None => codes::verdict(code.unwrap_or(0)),
        };
        Checked {
            answer: Answer {
                verdict,
                code,
                info: info.into(),
                http_status: code.map(|_| 200),
                latency: Duration::from_millis(42),
                retry_after: None,
                credential: 0,
            },
            groups: (code == Some(0)).then_some(12_345),
            fault,
        }
    }

    fn told(checked: &Checked, unreached: Option<(&str, &str)>, left: Option<Duration>) -> String {
        let asked = Asked {
            last: "https://adminapisgp.im.qcloud.com".into(),
            unreached: unreached.map(|(place, why)| (place.into(), why.into())),
        };
        let told = Told {
            checked,
            asked: &asked,
            sdkappid: 1_400_000_000,
            identifier: "administrator",
            key: left.is_none(),
            usersig_left: left,
        };
        match told.result() {
            Ok(text) => text,
            Err(error) => {
                assert_eq!(error.exit(), ExitCode::Stopped);
                format!("{error:?}")
            }
        }
    }

    #[test]
    fn a_right_account_is_told_point_by_point() {
        insta::assert_snapshot!(told(&checked(Some(0), "", None), None, None), @r"
        App 1400000000 is ready to be worked on; no group was touched.
        Address: https://adminapisgp.im.qcloud.com answered in 42 ms; the app lives there, and lets this machine in.
        Key: the service accepts what it signs.
        Admin: administrator is an app admin.
        Groups: the app has 12,345.
        ");
        let left = Some(Duration::from_secs(90_000));
        let unreached = Some(("https://a.example", "no connection"));
        insta::assert_snapshot!(told(&checked(Some(0), "", None), unreached, left), @r"
        App 1400000000 is ready to be worked on; no group was touched.
        Address: https://adminapisgp.im.qcloud.com answered in 42 ms; the app lives there, and lets this machine in.
        UserSig: the service accepts it, and it holds for another 1day 1h.
        Admin: administrator is an app admin.
        Groups: the app has 12,345.
        But: https://a.example could not be reached (no connection). A run turns to the backup by itself.
        ");
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_how_to_mend_it() {
        let refusals: Vec<_> = [
            (60010, "only for the app admin"),
            (60021, ""),
            (60026, "\u{1b}[2Jnot here"),
            (70009, "sdkappid dose not match"),
            (60011, "too fast"),
            (10002, "busy"),
            (69_999, "new"),
        ]
        .into_iter()
        .map(|(code, info)| told(&checked(Some(code), info, None), None, None))
        .collect();
        insta::assert_snapshot!(refusals.join("\n"), @r"
        error: https://adminapisgp.im.qcloud.com answered with code 60010: the caller is no app admin. It says: only for the app admin
          hint: Give the account of --identifier the role of an app admin in the console, or name one that has it, and resume.
        error: https://adminapisgp.im.qcloud.com answered with code 60021: this source address is not on the app's allow list
          hint: Add this machine's public address to the allow list in the console, or run from an allowed one.
        error: https://adminapisgp.im.qcloud.com answered with code 60026: the app does not live behind this domain. It says: \u{1b}[2Jnot here
          hint: Choose the --region of the app's data centre; the console shows it.
        error: https://adminapisgp.im.qcloud.com answered with code 70009: the UserSig does not verify: another app's key, or another version of the key. It says: sdkappid dose not match
          hint: Check that the key is the one that the console shows for this SDKAppID.
        error: https://adminapisgp.im.qcloud.com answered with code 60011: more calls a second than this app's limit. It says: too fast
          hint: The account may well be right, but calls come too fast now: try again in a minute.
        error: https://adminapisgp.im.qcloud.com answered with code 10002: internal error of the group service. It says: busy
          hint: The account may well be right, but the service has trouble of its own: try again in a minute.
        error: https://adminapisgp.im.qcloud.com answered with code 69999: an unknown public code, which concerns the caller more often than the group. It says: new
          hint: Check credentials, app and admin; then look the code up in the vendor's list of error codes.
        ");
    }

    #[test]
    fn a_transport_fault_says_what_is_wrong_and_how_to_mend_it() {
        let faults: Vec<_> = [
            Fault::Dns("no such host".into()),
            Fault::Connect("Connection refused (os error 111)".into()),
            Fault::Tls("certificate expired".into()),
            Fault::Timeout(Duration::from_secs(10)),
            Fault::HttpStatus(404),
            Fault::HttpStatus(502),
            Fault::Redirect(302),
        ]
        .into_iter()
        .map(|fault| told(&checked(None, &fault.to_string(), Some(fault)), None, None))
        .collect();
        insta::assert_snapshot!(faults.join("\n"), @r"
        error: https://adminapisgp.im.qcloud.com did not pass the check: the host's name could not be resolved: no such host
          hint: Check the spelling of --endpoint, and whether this machine resolves names (its DNS settings).
        error: https://adminapisgp.im.qcloud.com did not pass the check: no connection to the service: Connection refused (os error 111)
          hint: Nobody listens there, or something refuses for them: check --endpoint and its port, and this machine's firewall and proxy settings.
        error: https://adminapisgp.im.qcloud.com did not pass the check: no trusted TLS connection to the service: certificate expired
          hint: Check this machine's clock and CA certificates. Where a proxy opens TLS, name a file with its certificate in SSL_CERT_FILE.
        error: https://adminapisgp.im.qcloud.com did not pass the check: no answer within 10s
          hint: The service takes its time: try again in a minute, or give it more with --timeout.
        error: https://adminapisgp.im.qcloud.com did not pass the check: HTTP status 404, which a proxy or gateway gives, not the service; the same one for every call means a proxy in the way or a wrong --endpoint
          hint: Check --endpoint, and whether a proxy is in the way (HTTPS_PROXY): it is not the service that answers.
        error: https://adminapisgp.im.qcloud.com did not pass the check: HTTP status 502, which a proxy or gateway gives, not the service
          hint: Try again in a minute; if it stays, look at the vendor's status page.
        error: https://adminapisgp.im.qcloud.com did not pass the check: HTTP status 302 redirects the call elsewhere, which is never followed: a portal or proxy answers instead of the service
          hint: Log in at this network's portal, or leave out its proxy; and check --endpoint, which is the service's own domain.
        ");
        let refused = Fault::Connect("refused".into());
        let both = checked(None, &refused.to_string(), Some(refused));
        insta::assert_snapshot!(told(&both, Some(("https://a.example", "refused")), None), @r"
        error: https://a.example and its backup https://adminapisgp.im.qcloud.com did not pass the check: no connection to the service: refused
          hint: Nobody listens there, or something refuses for them: check --endpoint and its port, and this machine's firewall and proxy settings.
        ");
    }
}
