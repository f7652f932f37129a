//! The machine, as Linux describes it, and processor time of the nodes.

use std::time::Duration;

use anyhow::Context as _;

/// Hundredths of a second: how Linux counts processor time of a process.
const TICK_MS: u64 = 10;

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Processor, cores, memory.
pub(crate) fn hardware() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&processors, "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = field(&memory, "MemTotal").unwrap_or_default();
    let kilobytes: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    format!("{model}, {} cores, {} GiB", cores(), (kilobytes + (1 << 19)) >> 20)
}

/// Processors of this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Average number of tasks that wanted a processor in the last minute, as Linux prints it.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Processor time of this process and of each process that it has started and that runs.
pub(crate) fn processor_time() -> anyhow::Result<(Duration, Duration)> {
    let mut children = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task")? {
        let list = std::fs::read_to_string(task?.path().join("children"))?;
        for child in list.split_whitespace() {
            children += spent(child)?;
        }
    }
    Ok((spent("self")?, children))
}

fn spent(process: &str) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces; user and system time are fields 14 and 15.
    let (_, rest) = text.rsplit_once(')').context("a process has a name")?;
    let fields = rest.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * TICK_MS))
}
