//! Hot functions of the C API in C and in Rust, under criterion: `cargo bench -p cape-perf --bench twins`, and
//! `... -- PyList` for some of them. The table with the ratios is `cape-perf twins`.

use std::cell::RefCell;
use std::time::Duration;

use cape_perf::twins;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn both_sides(criterion: &mut Criterion) {
    let engine = twins::start().unwrap_or_else(|reason| panic!("{reason}"));
    let cases = engine.cases.clone();
    let engine = RefCell::new(engine);
    for pair in cases.chunks(2) {
        let mut group = criterion.benchmark_group(&pair[0].name);
        group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
        for case in pair {
            group.sample_size(20).bench_function(BenchmarkId::from_parameter(&case.group), |bencher| {
                bencher.iter_custom(|iterations| {
                    let time = engine.borrow_mut().time(case.number, iterations);
                    time.unwrap_or_else(|reason| panic!("{}: {reason}", case.name))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, both_sides);
criterion_main!(benches);
