//! Figures of earlier runs: small JSON files in `recorded/`, in the repository.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recorded").join(format!("{name}.json"))
}

/// The recorded figures of that bench, if there are any.
///
/// # Panics
/// If the file is there and is not JSON.
pub fn read(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(path(name)).ok()?;
    Some(serde_json::from_str(&text).expect("recorded figures are JSON"))
}

/// Writes the figures of a bench down, each row on a line of its own.
///
/// # Panics
/// If the file cannot be written.
pub fn write(name: &str, figures: &Value) {
    let mut text = String::from("{\n");
    let fields = figures.as_object().expect("an object");
    for (at, (key, value)) in fields.iter().enumerate() {
        let end = if at + 1 == fields.len() { "" } else { "," };
        match value.as_array() {
            Some(rows) if rows.iter().all(Value::is_object) => {
                let rows: Vec<_> = rows.iter().map(|row| format!("    {row}")).collect();
                text.push_str(&format!("  {key:?}: [\n{}\n  ]{end}\n", rows.join(",\n")));
            }
            _ => text.push_str(&format!("  {key:?}: {value}{end}\n")),
        }
    }
    text.push_str("}\n");
    std::fs::write(path(name), text).expect("recorded/ can be written");
    eprintln!("recorded in benches/recorded/{name}.json");
}

/// What the figures depend on besides the code.
pub fn toolchain() -> Value {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let verbose = says(&rustc, &["-vV"]);
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    json!({
        "rustc": verbose.lines().next().unwrap_or_default(),
        "host": host,
        "libc": says("getconf", &["GNU_LIBC_VERSION"]).trim(),
        "valgrind": says("valgrind", &["--version"]).trim(),
        // glibc and others choose their functions by it.
        "processor": machine()["processor"],
    })
}

/// The processor's name and how many cores the process may use: what timings depend on.
pub fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    json!({ "cores": cores, "processor": name.map_or("unknown", |(_, name)| name) })
}

/// The standard output of a command; nothing when it cannot be run.
fn says(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
