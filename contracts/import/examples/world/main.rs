//! Writes the sample world under `tests/data`: three platforms' exports and an EPCIS chain, all
//! invented, all from this program. `tests/world.rs` checks that the files are what it writes.

#[path = "files.rs"]
mod files;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    for (name, bytes) in files::all() {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
