//! The machine, as Linux describes it, and processor time of the nodes.

use std::path::Path;
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

/// [`load`] in hundredths.
pub(crate) fn load_percent() -> u64 {
    load().replace('.', "").parse().unwrap_or_default()
}

/// Resident memory of a process.
pub(crate) fn resident_mib(process: u32) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = field(&text, "VmRSS").context("a process that runs has memory")?;
    let kilobytes: u64 = line.trim_end_matches(" kB").parse()?;
    Ok(kilobytes >> 10)
}

/// Bytes of the files below a folder. A file that goes while they are counted is not counted.
pub(crate) fn size_of(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(found) = path.metadata() {
                bytes += found.len();
            }
        }
    }
    Ok(bytes)
}

/// Processor time of this thread so far.
pub(crate) fn thread_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().context("the first number is time on a processor")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
