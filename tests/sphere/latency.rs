//! How long a command and a question take, against paramiko in the same run: `tests/bench/sphere`.

use std::process::Command;
use std::time::{Duration, Instant};

use booth::sphere::Peer;
use booth::sphere::remote::Remote;
use booth::sphere::ssh::Link;

use super::start;
use crate::common::sphere::Kind;
use crate::common::wait::wait_for;

const COUNT: usize = 200;

struct Figures {
    p50: f64,
    p95: f64,
    max: f64,
}

/// Prints a row of milliseconds.
fn row(name: &str, mut times: Vec<f64>) -> Figures {
    times.sort_by(f64::total_cmp);
    let part = |percent: usize| times[(times.len() - 1) * percent / 100];
    let figures = Figures {
        p50: part(50),
        p95: part(95),
        max: part(100),
    };
    println!(
        "| {name} | {:.2} | {:.2} | {:.2} |",
        figures.p50, figures.p95, figures.max
    );
    figures
}

fn timed(mut work: impl FnMut()) -> Vec<f64> {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..COUNT).map(once).collect()
}

/// Milliseconds that paramiko takes for the same, as its script prints them.
fn paramiko(python: &str, mode: &str, words: &[String]) -> Vec<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/paramiko_exec.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(mode)
        .arg(COUNT.to_string())
        .args(words);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
#[ignore = "needs paramiko: tests/bench/sphere"]
fn latency_against_paramiko() {
    let python = std::env::var("BENCH_PYTHON").expect("run by tests/bench/sphere");
    println!("| {COUNT} commands on loopback, ms | p50 | p95 | max |\n|---|---|---|---|");
    let (exec, alone, each) = {
        let (_alone, sphere) = start(Kind::Plain);
        let config = sphere.config();
        let soon = || Instant::now() + Duration::from_secs(60);
        let mut link = Link::open(&config, soon()).unwrap();
        let exec = timed(|| {
            let answer = link.run("true", "true", Duration::from_secs(2)).unwrap();
            assert_eq!(answer.status, 0);
        });
        let connect = timed(|| drop(Link::open(&config, soon()).unwrap()));
        let words = [
            config.port.to_string(),
            config.user.clone(),
            config.key.display().to_string(),
            config.known_hosts.display().to_string(),
        ];
        let exec = row("booth: `true` on the open connection", exec);
        row("booth: connect and authenticate", connect);
        let open = row(
            "paramiko: `true` on one connection",
            paramiko(&python, "open", &words),
        );
        let each = row(
            "paramiko: a connection for each `true`",
            paramiko(&python, "each", &words),
        );
        (exec, open, each)
    };
    let (_alone, mut sphere) = start(Kind::Helper);
    let mut peer = Remote::new(&sphere.config());
    peer.position().unwrap();
    let question = timed(|| assert!(!peer.position().unwrap().rolling));
    let question = row("booth: a question on the kept channel", question);
    let start = Instant::now();
    sphere.signal_sessions("KILL");
    sphere.sshd_down();
    sphere.sshd_up();
    wait_for("the connection", || peer.position().is_ok());
    let again = start.elapsed();
    println!(
        "\nanswers again {again:.2?} after sshd and its sessions were killed and sshd started"
    );
    println!(
        "exec: {:.1} times faster at p95 (goal 5), question: {:.0} times (goal 50); max {:.1} ms \
         against {:.1} and {:.1}; medians {:.2}, {:.2}, {:.2} ms",
        alone.p95 / exec.p95,
        alone.p95 / question.p95,
        exec.max,
        alone.max,
        each.max,
        exec.p50,
        alone.p50,
        each.p50
    );
    assert!(exec.p95 * 5.0 <= alone.p95);
    assert!(question.p95 * 50.0 <= alone.p95);
    assert!(again < Duration::from_secs(2));
}
