//! Compiles the schema with protox, so that no protoc binary is needed.

use std::error::Error;
use std::path::Path;

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let files = ["submission", "trace", "alert", "ledger", "release", "evaluation", "node"]
        .map(|area| format!("schema/jjj/{area}/v1/{area}.proto"));
    let descriptors = protox::compile(&files, ["schema"])?;
    let out = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    println!("cargo::rerun-if-changed=schema");
    Ok(())
}
