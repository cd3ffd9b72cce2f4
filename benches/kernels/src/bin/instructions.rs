//! Runs one counted kernel; `benches/instructions.py` puts it under callgrind.
//!
//! Without an argument it lists the kernels, a name and a number of calls per line, separated by a tab; with a
//! name it prints the instruction set that it ran on.

use std::error::Error;
use std::process::ExitCode;

use poise_kernels_bench::counted::{COUNTED, find, measured_calls};
use poise_simd::InstructionSet;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        for counted in &COUNTED {
            println!("{}\t{}", counted.name, counted.calls);
        }
        return ExitCode::SUCCESS;
    };
    match run(&name) {
        Ok(instruction_set) => {
            println!("{instruction_set}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str) -> Result<InstructionSet, Box<dyn Error>> {
    poise_simd::requested()?;
    let counted = find(name).ok_or("no such kernel; run without an argument to list them")?;
    let mut call = counted.prepare()?;
    // The first call pays for what is done once per process: detection of the CPU, the heap's first growth.
    call()?;
    measured_calls(&mut call, counted.calls)?;
    Ok(poise_simd::chosen())
}
