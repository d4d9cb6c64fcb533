//! The yardstick of `benches/side_by_side.sh`: the same HTTP client in a plain loop, without limiter, ledger or report.
//!
//! `bare_loop URL CALLS CONCURRENCY THREADS`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a yardstick, not a program"
)]

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [url, calls, concurrency, threads] = args.as_slice() else {
        panic!("bare_loop URL CALLS CONCURRENCY THREADS");
    };
    let (calls, concurrency): (u64, u64) = (calls.parse().unwrap(), concurrency.parse().unwrap());
    let runtime = match threads.as_str() {
        "1" => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build(),
        _ => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build(),
    };
    let began = Instant::now();
    runtime.unwrap().block_on(run(url, calls, concurrency));
    println!(
        "{:.0} calls a second",
        calls as f64 / began.elapsed().as_secs_f64()
    );
}

async fn run(url: &str, calls: u64, concurrency: u64) {
    let _installed = rustls::crypto::ring::default_provider()
        .install_default()
        .is_ok();
    let client = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .build()
        .unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let url: Arc<str> = url.into();
    let workers = (0..concurrency).map(|_| {
        let (client, next, url) = (client.clone(), Arc::clone(&next), Arc::clone(&url));
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= calls {
                    return;
                }
                let url = format!(
                    "{url}/v4/group_open_http_svc/destroy_group?sdkappid=1400000000&identifier=administrator\
                     &usersig=eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJFJrSjILEpVsrIwM4EJlWTmAgUMzVEVFmemAw23TCwPTw31sfCtqEhyyrNIyXAy8CorzTfw8vbMMEnxc-bJdveMMMkzTUsxsFWqBQDFLzPV\
                     &random={n}&contenttype=json"
                );
                let body = format!(r#"{{"GroupId":"bench-{n:08}"}}"#);
                let answer = client.post(url).header("content-type", "application/json").body(body).send();
                let text = answer.await.unwrap().bytes().await.unwrap();
                let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
                assert_eq!(value["ErrorCode"], 0);
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}
