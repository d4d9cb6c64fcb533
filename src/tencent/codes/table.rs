//! The error codes that a caller of the REST API can meet: spec sections 5.1 to 5.4, row by row.
//!
//! Each row is written with the word for what a batch worker does about it (spec section 4). `foreign` is "n/a" there:
//! the code belongs to other calls, and fails the group if it comes all the same.

use super::Entry;
use crate::verdict::{
    Action::{self, Done, Fail, Gone, ReSign, ReSignThenRetry, Retry, Slow, Stop},
    Herd,
};

const RETRIED: &str = "Nothing to do: the call is tried again.";
const SLOWED: &str = "Nothing to do: the run slows down by itself. If it stays, lower --rate, for the limit is shared \
                      with the app's other callers.";
const OUR_REQUEST: &str =
    "The request itself is refused, which no setting can cause: please report this.";
const RE_SIGNED: &str = "With a key here, a fresh UserSig is made by itself. If the code stays, check that the key is \
                         this app's own and this machine's clock is right; if the UserSig came from elsewhere, have a \
                         new one made and resume.";
const ADMIN: &str = "Give the account of --identifier the role of an app admin in the console, or name one that has \
                     it, and resume.";
const OTHER_APP: &str =
    "Check --sdkappid, --region and the key: the app lives in one data centre and has its own key.";
const OTHER_CALLS: &str =
    "The code belongs to other calls; if many groups get it, ask the vendor's support.";

const fn row(code: i64, action: Action, meaning: &'static str, advice: &'static str) -> Entry {
    Entry {
        code,
        action,
        may_have_acted: false,
        herd: Herd::Ordinary,
        meaning,
        advice,
    }
}
/// Worth another try, and the earlier one may have disbanded the group unheard (spec section 4, last table).
const fn lost(code: i64, meaning: &'static str) -> Entry {
    let mut entry = row(code, Retry, meaning, RETRIED);
    entry.may_have_acted = true;
    entry
}
const fn slow(code: i64, meaning: &'static str) -> Entry {
    row(code, Slow, meaning, SLOWED)
}
const fn re_sign(code: i64, meaning: &'static str) -> Entry {
    row(code, ReSign, meaning, RE_SIGNED)
}
const fn stop(code: i64, meaning: &'static str, advice: &'static str) -> Entry {
    row(code, Stop, meaning, advice)
}
const fn fail(code: i64, meaning: &'static str, advice: &'static str) -> Entry {
    row(code, Fail, meaning, advice)
}
/// A refusal of this group; a row of them may be a list that is like that (spec section 4, rule 1).
const fn fail_warn(code: i64, meaning: &'static str, advice: &'static str) -> Entry {
    let mut entry = fail(code, meaning, advice);
    entry.herd = Herd::Warn;
    entry
}
/// A refusal of this group; a row of them is a refusal of the caller (spec section 4, rule 1).
const fn fail_stop(code: i64, meaning: &'static str, advice: &'static str) -> Entry {
    let mut entry = fail(code, meaning, advice);
    entry.herd = Herd::Stop;
    entry
}
const fn foreign(code: i64, meaning: &'static str) -> Entry {
    fail(code, meaning, OTHER_CALLS)
}

/// Every documented code, in the order of the spec.
#[rustfmt::skip] // one row, one code
pub(super) const TABLE: &[Entry] = &[
    // 5.1 Group service
    row(0, Done, "success", ""),
    lost(10002, "internal error of the group service"),
    stop(10003, "invalid command word", OUR_REQUEST),
    fail_warn(10004, "invalid parameter", "Check the group's ID; the service's text may say more."),
    foreign(10005, "more member accounts in one request than allowed"),
    slow(10006, "too frequent"),
    fail_stop(10007, "no permission: this group's type does not support it, or the caller is no app admin",
        "Check that the account of --identifier is an app admin; otherwise it is the group's type."),
    re_sign(10008, "illegal request, perhaps its signature"),
    foreign(10009, "the owner cannot leave"),
    row(10010, Gone, "the group does not exist, or was disbanded", "Nothing to do."),
    stop(10011, "the group service could not parse the JSON", OUR_REQUEST),
    stop(10012, "the calling UserID is illegal", ADMIN),
    foreign(10013, "already a member"),
    foreign(10014, "the group is full"),
    fail_warn(10015, "the group ID is illegal, or no such group exists: the vendor's pages disagree",
        "Look in the console whether the group is there; if it is not, there is nothing to do."),
    fail_warn(10016, "the app's own webhook refused the operation", "Ask those who run the app's backend why it refuses."),
    foreign(10018, "the response would be over 1 MB"),
    fail(10019, "a UserID does not exist", "Check the group's owner and the account of --identifier in the console."),
    foreign(10021, "the group ID is in use by someone else"),
    slow(10023, "too frequent"),
    foreign(10025, "the group ID is in use, and the caller owns the group"),
    stop(10026, "the command is disabled for this app", "Have the command enabled for this SDKAppID, then resume."),
    foreign(10036, "the quota of audio-video groups is used up"),
    foreign(10037, "the user's quota of groups is used up"),
    foreign(10038, "the group's quota of members is used up"),
    foreign(10058, "the package's quota of groups is used up"),
    fail_warn(11000, "the app has no community feature", "Turn communities on in the console, then retry what failed."),
    fail(110_002, "disbanding the topic failed", OTHER_CALLS),
    foreign(110_003, "the topic is disbanded already"),

    // 5.2 Public REST codes
    stop(60002, "the HTTP request could not be parsed: its URL is wrong", OUR_REQUEST),
    stop(60003, "the request's JSON could not be parsed", OUR_REQUEST),
    row(60004, ReSignThenRetry, "the check of account or signature failed", RE_SIGNED),
    row(60005, ReSignThenRetry, "the check of account or signature failed", RE_SIGNED),
    stop(60006, "the SDKAppID is invalid", "Check --sdkappid against the console."),
    slow(60007, "more calls a second than this API's limit"),
    lost(60008, "the service's own request timed out"),
    stop(60009, "bad resource or URL", "Check --endpoint: it is a domain of the vendor's, without a path."),
    stop(60010, "the caller is no app admin", ADMIN),
    slow(60011, "more calls a second than this app's limit"),
    stop(60012, "sdkappid is missing", OUR_REQUEST),
    lost(60013, "the service's HTTP response could not be parsed"),
    lost(60014, "the account check timed out"),
    stop(60015, "the UserID in the body has the wrong type", OUR_REQUEST),
    stop(60016, "the app is disabled", "Enable the app in the console, then resume."),
    stop(60017, "requests are disabled", "Ask the vendor's support why requests of this app are disabled."),
    slow(60018, "too frequent"),
    slow(60019, "too frequent"),
    stop(60020, "service unavailable: no plan, or the plan expired or is in arrears",
        "Pay for the app's plan; calls work some five minutes later; then resume."),
    stop(60021, "this source address is not on the app's allow list",
        "Add this machine's public address to the allow list in the console, or run from an allowed one."),
    stop(60025, "a parameter of the URL (sdkappid, identifier, usersig or contenttype) is wrong or missing",
        "Check --sdkappid and --identifier."),
    stop(60026, "the app does not live behind this domain", "Choose the --region of the app's data centre; the console shows it."),
    stop(60027, "the API does not fit the app's product", "Check --sdkappid: it is not an app of Tencent Cloud Chat."),
    stop(60028, "the trial app's daily volume of calls is used up", "Resume tomorrow, or move the app to a paid plan."),

    // 5.3 Account and signature
    re_sign(70001, "the UserSig has expired"),
    stop(70002, "the UserSig is empty", "Give a key or a UserSig."),
    re_sign(70003, "the UserSig is illegal or cut off"),
    re_sign(70005, "the UserSig is illegal"),
    stop(70009, "the UserSig does not verify: another app's key, or another version of the key",
        "Check that the key is the one that the console shows for this SDKAppID."),
    stop(70013, "the identifier differs from the signed one", "Check --identifier: the UserSig was made for another account."),
    stop(70014, "the sdkappid differs from the signed one", "Check --sdkappid: the UserSig was made for another app."),
    stop(70016, "there is no key for this app here", OTHER_APP),
    stop(70020, "the SDKAppID was not found", OTHER_APP),
    stop(70050, "too many failed checks of signatures",
        "Wait some minutes without any call, check the key or UserSig, then resume: going on makes it worse."),
    stop(70051, "the account is on a block list", "Name another admin account, or ask the vendor's support."),
    re_sign(70052, "the UserSig is no longer valid"),
    stop(70107, "the account is not in the app", ADMIN),
    stop(70114, "refused for security reasons", "Ask the vendor's support why calls of this account are refused."),
    lost(70169, "the account service timed out"),
    lost(70202, "the account service timed out"),
    foreign(70206, "a batch with an illegal number of accounts"),
    re_sign(70346, "the signature is refused (not documented)"),
    foreign(70398, "an account quota is used up"),
    foreign(70399, "an account quota is used up"),
    fail_warn(70402, "invalid parameter", "Check the group's ID; the service's text may say more."),
    stop(70403, "the caller is no app admin", ADMIN),
    foreign(70404, "the SDK is too old"),
    lost(70500, "internal error of the account service"),
    foreign(71000, "a code for client SDKs"),
    stop(72000, "the quota of active users is used up", "Raise the app's quota of active users, or resume when a new period begins."),
    stop(72002, "the quota of active users is used up", "Raise the app's quota of active users, or resume when a new period begins."),

    // 5.4 Others that a gateway may let through
    stop(80005, "the service is deactivated", "Activate the service for this app, then resume."),
    foreign(80001, "content review"),
    foreign(80002, "the message is too large"),
    foreign(80003, "the webhook of a message failed"),
    foreign(80004, "the webhook of a message failed"),
    lost(20004, "internal error of the message service"),
    lost(20005, "internal error of the message service"),
    lost(90992, "internal error of the message service"),
    lost(90994, "internal error of the message service"),
    lost(90995, "internal error of the message service"),
    lost(91000, "internal error of the message service"),
    re_sign(20002, "authentication failed, or the signature expired"),
    stop(90009, "the caller is no app admin", ADMIN),
    slow(-10113, "the access layer finds it too frequent"),
    slow(-20009, "the access layer finds it too frequent"),
    row(-10114, Retry, "temporary fault of the access layer", RETRIED),
    stop(-10108, "the access layer refuses app, signature or permission", OTHER_APP),
    stop(-10110, "the access layer refuses app, signature or permission", OTHER_APP),
    stop(-10111, "the access layer refuses app, signature or permission", OTHER_APP),
    stop(-10112, "the access layer refuses app, signature or permission", OTHER_APP),
];
