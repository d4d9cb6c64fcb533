//! What is sent, and where to.

use super::*;
use crate::tencent::usersig;

#[tokio::test]
async fn the_request_is_as_the_api_page_has_it() {
    let server = Server::playing(ok(OK));
    let client = client(settings(&server.url(), PATIENT));
    let (answer, departures) = call(&client).await;
    assert_eq!(answer.verdict.action, Action::Done);
    assert_eq!(departures, 1);

    let seen = &server.seen()[0];
    let usersig = seen.parameter("usersig");
    let made = usersig::verify(
        &Secret::new("swordfish".to_owned()),
        usersig,
        Moment::now().unix_s,
    )
    .unwrap();
    assert_eq!(
        (made.sdkappid, &*made.identifier),
        (1_400_000_000, "administrator")
    );
    let random: u32 = seen.parameter("random").parse().unwrap();
    let head = seen
        .head
        .replace(usersig, "SIG")
        .replace(&random.to_string(), "RANDOM")
        .replace(&server.address.to_string(), "HOST")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(head.replace('\r', ""), @r"
    POST /v4/group_open_http_svc/destroy_group?sdkappid=1400000000&identifier=administrator&usersig=SIG&random=RANDOM&contenttype=json HTTP/1.1
    accept: application/json
    user-agent: disband-batch/VERSION
    content-type: application/json
    host: HOST
    content-length: 28
    ");
    assert_eq!(seen.body, r#"{"GroupId":"@TGS#2J4SZEAEL"}"#);
}

#[tokio::test]
async fn ids_and_identifiers_arrive_as_they_are() {
    let server = Server::playing(ok(OK));
    let mut settings = settings(&server.url(), PATIENT);
    settings.identifier = "the admin+管&x=y".to_owned();
    let client = client(settings);
    let id = r#" a,"b"\;#=+é~ "#.replace('é', "e");
    let group = GroupId::try_from(&*id).unwrap();
    client.disband(&group, Arc::new(Unwatched)).await;
    let seen = &server.seen()[0];
    assert_eq!(
        seen.parameter("identifier"),
        "the%20admin%2B%E7%AE%A1%26x%3Dy"
    );
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body, serde_json::json!({ "GroupId": id }));
}

#[tokio::test]
async fn calls_share_a_connection_and_a_usersig_but_no_nonce() {
    let server = Server::playing(ok(OK));
    let client = client(settings(&server.url(), PATIENT));
    for _ in 0..20 {
        call(&client).await;
    }
    assert_eq!(server.connections(), 1);
    let seen = server.seen();
    let mut nonces: Vec<_> = seen.iter().map(|s| s.parameter("random")).collect();
    nonces.sort_unstable();
    nonces.dedup();
    // Two of twenty are equal once in some twenty million times.
    assert!(nonces.len() >= 19, "{nonces:?}");
    assert!(
        seen.iter()
            .all(|s| s.parameter("usersig") == seen[0].parameter("usersig"))
    );
}

#[tokio::test]
async fn a_renewed_usersig_is_what_further_calls_carry() {
    let server = Server::playing(ok(OK));
    let mut settings = settings(&server.url(), PATIENT);
    // So the second one differs from the first.
    let early = Moment {
        unix_s: Moment::now().unix_s - 60,
        ..Moment::now()
    };
    settings.credentials = Credentials::signing(
        Secret::new("swordfish".to_owned()),
        "administrator",
        1_400_000_000,
        Duration::from_secs(86_400),
        early,
    );
    let client = client(settings);
    assert_eq!(call(&client).await.0.credential, 1);
    assert_eq!(client.renew(1), Ok(2));
    assert_eq!(client.renew(1), Ok(2));
    assert_eq!(call(&client).await.0.credential, 2);
    let seen = server.seen();
    assert_ne!(seen[0].parameter("usersig"), seen[1].parameter("usersig"));
}

#[tokio::test]
async fn after_a_switch_calls_go_to_the_other_known_host() {
    let (primary, backup) = (Server::playing(ok(OK)), Server::playing(ok(OK)));
    let mut settings = settings(&primary.url(), PATIENT);
    settings.hosts = Hosts::with_backup(
        primary.url().parse().unwrap(),
        backup.url().parse().unwrap(),
    );
    let client = client(settings);
    call(&client).await;
    assert_eq!(client.switch_host(), Some(backup.url()));
    assert_eq!(client.endpoint().to_string(), backup.url());
    call(&client).await;
    call(&client).await;
    assert_eq!((primary.seen().len(), backup.seen().len()), (1, 2));
}

#[tokio::test]
async fn with_one_known_host_there_is_nothing_to_switch_to() {
    let client = client(settings("https://example.com", PATIENT));
    assert_eq!(client.switch_host(), None);
}

#[tokio::test]
async fn a_check_asks_for_the_number_of_groups_and_touches_none() {
    let server = Server::playing(ok(
        r#"{"ActionStatus":"OK","ErrorCode":0,"TotalCount":7,"GroupIdList":[{"GroupId":"a"}],"Next":1}"#,
    ));
    let client = client(settings(&server.url(), PATIENT));
    let checked = client.check().await;
    assert_eq!(checked.groups, Some(7));
    assert_eq!(checked.answer.verdict.action, Action::Done);
    let seen = &server.seen()[0];
    assert!(
        seen.head
            .starts_with("POST /v4/group_open_http_svc/get_appid_group_list?sdkappid=")
    );
    assert_eq!(seen.body, r#"{"Limit":1,"Next":0}"#);
}
