//! Every case on every engine under criterion, whose history shows what a change did:
//! `cargo bench -p cape-perf --bench crossing -- 'Cape/call'`.

use std::cell::RefCell;
use std::time::Duration;

use cape_perf::engine;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn crossing(criterion: &mut Criterion) {
    for engine in engine::all(false) {
        let cases = engine.cases.clone();
        let engine = RefCell::new(engine);
        for case in cases {
            if engine.borrow_mut().time(case.number, 1).is_err() {
                continue; // said by `cape-perf smoke`
            }
            let group = format!("{}/{}", engine.borrow().name, case.group);
            let mut group = criterion.benchmark_group(group);
            group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
            group.sample_size(20).bench_function(BenchmarkId::from_parameter(&case.name), |bencher| {
                bencher.iter_custom(|iterations| {
                    let time = engine.borrow_mut().time(case.number, iterations);
                    time.unwrap_or_else(|reason| panic!("{}: {reason}", case.name))
                });
            });
            group.finish();
        }
    }
}

criterion_group!(benches, crossing);
criterion_main!(benches);
