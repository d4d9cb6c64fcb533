//! Answers that arrive whole.

use super::*;
use crate::verdict::Herd;

#[tokio::test]
async fn an_answer_of_the_service_keeps_its_code_and_text() {
    for (body, action, code, info) in [
        (OK, Action::Done, 0, ""),
        (
            r#"{"ActionStatus":"FAIL","ErrorInfo":"gone \u001b[31m","ErrorCode":10010,"More":1}"#,
            Action::Gone,
            10010,
            "gone \u{1b}[31m",
        ),
        (
            r#"{"ActionStatus":"FAIL","ErrorInfo":"slower","ErrorCode":60011}"#,
            Action::Slow,
            60011,
            "slower",
        ),
        (
            r#"{"ActionStatus":"FAIL","ErrorCode":-7}"#,
            Action::Fail,
            -7,
            "",
        ),
    ] {
        let (answer, departures) = answer_to(ok(body), PATIENT).await;
        assert_eq!(answer.verdict, codes::verdict(code));
        assert_eq!(answer.verdict.action, action);
        assert_eq!(answer.code, Some(code));
        assert_eq!(&*answer.info, info);
        assert_eq!(answer.http_status, Some(200));
        assert_eq!(departures, 1);
    }
}

#[tokio::test]
async fn neither_content_type_nor_length_is_needed() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        a;x=y\r\n{\"ActionSt\r\n28\r\natus\":\"OK\",\"ErrorInfo\":\"\",\"ErrorCode\":0}\r\n0\r\nTrailer: x\r\n\r\n";
    let until_closed = format!("HTTP/1.0 200 OK\r\n\r\n{OK}");
    for play in [
        Play::Answer(chunked.into()),
        Play::AnswerAndClose(until_closed.into()),
        Play::Answer(http("200 OK", "Content-Type: text/html\r\n", OK)),
        Play::Answer(
            [
                b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
                http("200 OK", "", OK),
            ]
            .concat(),
        ),
    ] {
        let (answer, _) = answer_to(play, PATIENT).await;
        assert_eq!(answer.verdict.action, Action::Done, "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_the_service_is_lost_and_never_success() {
    for body in [
        r#"{"ActionStatus":"OK","ErrorCode":"0"}"#,
        r#"{"ActionStatus":"FAIL","ErrorCode":0}"#,
        "<html>Please log in</html>",
        "",
    ] {
        let (answer, _) = answer_to(ok(body), PATIENT).await;
        assert_eq!(answer.verdict.reach, Reach::Lost);
        assert!(answer.verdict.may_have_acted);
        assert_eq!(answer.code, None);
        assert_eq!(answer.http_status, Some(200));
        assert!(answer.info.starts_with("the answer could not be read: "));
    }
}

#[tokio::test]
async fn a_status_other_than_200_is_not_the_service_whatever_the_body_says() {
    for (status, verdict) in [
        ("201 Created", Fault::HttpStatus(201).verdict()),
        ("403 Forbidden", Fault::HttpStatus(403).verdict()),
        ("429 Too Many Requests", Fault::HttpStatus(429).verdict()),
        ("502 Bad Gateway", Fault::HttpStatus(502).verdict()),
        ("503 Busy", Fault::HttpStatus(503).verdict()),
    ] {
        let play = Play::Answer(http(status, "Retry-After: 7\r\n", OK));
        let (answer, _) = answer_to(play, PATIENT).await;
        assert_eq!(answer.verdict, verdict);
        assert_eq!(answer.code, None);
        let number: u16 = status[..3].parse().unwrap();
        assert_eq!(answer.http_status, Some(number));
        let wait = (number == 429).then_some(Duration::from_secs(7));
        assert_eq!(answer.retry_after, wait, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let elsewhere = Server::playing(ok(OK));
        let location = format!("Location: {}/\r\n", elsewhere.url());
        let play = Play::Answer(http(status, &location, ""));
        let (answer, _) = answer_to(play, PATIENT).await;
        assert_eq!(answer.verdict.action, Action::Retry);
        assert_eq!(answer.verdict.reach, Reach::Unreached);
        assert_eq!(answer.verdict.herd, Herd::Ordinary);
        assert!(!answer.verdict.may_have_acted);
        assert_eq!(elsewhere.connections(), 0);
    }
}

#[tokio::test]
async fn the_text_of_the_service_is_kept_up_to_4_kib() {
    let info = "群".repeat(100_000);
    let body = serde_json::json!({"ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": info});
    let (answer, _) = answer_to(ok(&body.to_string()), PATIENT).await;
    assert_eq!(answer.info.len(), 4095);
    assert!(info.starts_with(&*answer.info));
}
