//! What a group costs before its call: parsing and validating its ID, a look at the protect list, the pacer's decision.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::{hint::black_box, num::NonZeroU32, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use disband_batch::{
    disband::Departure,
    group::GroupId,
    pace::{Departures, Pacer},
    protect::ProtectList,
};
use tokio::time::Instant;

fn admission(criterion: &mut Criterion) {
    let ids: Vec<String> = (0..1000).map(|n| format!("@TGS#2{n:09}ABC")).collect();
    let mut list = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut list, b"live-*\n*-vip\n@TGS#2KEEP\n").unwrap();
    let protect = ProtectList::load(&[list.path()]).unwrap();
    let mut group = criterion.benchmark_group("admission");
    group.throughput(Throughput::Elements(ids.len() as u64));
    group.bench_function("validate", |bench| {
        bench.iter(|| {
            ids.iter()
                .filter(|id| GroupId::try_from(id.as_str()).is_ok())
                .count()
        });
    });
    group.bench_function("protect list of three", |bench| {
        bench.iter(|| {
            ids.iter()
                .filter(|id| protect.matches(black_box(id)))
                .count()
        });
    });
    group.finish();
}

/// A permit granted and used, and one refused: time is told, so nothing waits.
fn pace(criterion: &mut Criterion) {
    let rate = NonZeroU32::new(200).unwrap();
    let departures = Departures::new(Instant::now());
    let mut pacer = Pacer::new(rate, Duration::ZERO, 0, departures);
    let mut now = Duration::ZERO;
    criterion.bench_function("pace/granted", |bench| {
        bench.iter(|| {
            now += Duration::from_secs(2);
            pacer.permit(now).map(|slip| slip.departed())
        });
    });
    let departures = Departures::new(Instant::now());
    let mut pacer = Pacer::new(rate, Duration::ZERO, 0, departures);
    criterion.bench_function("pace/refused", |bench| {
        bench.iter(|| pacer.permit(black_box(Duration::from_millis(1))).is_err());
    });
}

criterion_group!(benches, admission, pace);
criterion_main!(benches);
