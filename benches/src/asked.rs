//! What the command line asks of a bench.

/// The arguments that the benches without a harness understand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// `--json`: machine-readable figures instead of a table.
    pub json: bool,
    /// `--check`: fail when a figure is off the recorded one.
    pub check: bool,
    /// `--exact`: the same, and a few instructions are too many already.
    pub exact: bool,
    /// `--record`, or the variable `RECORD` for a run of all benches: write the figures down.
    pub record: bool,
    /// `--quick`: so short that the figures mean nothing; for a look whether it runs.
    pub quick: bool,
}

impl Asked {
    /// Reads the process' arguments. `None` when cargo does not run a bench (`cargo test
    /// --all-targets` starts bench targets as well): then there is nothing to do.
    pub fn of_bench() -> Option<Self> {
        std::env::args().any(|argument| argument == "--bench").then(Self::of_program)
    }

    /// Reads the arguments of a program that measures whenever it runs.
    pub fn of_program() -> Self {
        let mut asked = Self { record: std::env::var_os("RECORD").is_some(), ..Self::default() };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--bench" => {}
                "--json" => asked.json = true,
                "--check" => asked.check = true,
                "--exact" => (asked.check, asked.exact) = (true, true),
                "--record" => asked.record = true,
                "--quick" => asked.quick = true,
                other => {
                    eprintln!(
                        "unknown: {other}; --json, --check, --exact, --record, --quick are known"
                    );
                    std::process::exit(2);
                }
            }
        }
        asked
    }
}
