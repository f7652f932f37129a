//! Three schemes for demonstrations and tests. They are fictitious: the rules of the real platforms
//! are not public, and the host `demo.invalid` can never exist.

/// A lot code of a fictitious Beijing platform: division, GTIN, day, sequence, MOD 37,36.
pub const BEIJING: &str = include_str!("demo/beijing.toml");

/// A box code of a fictitious Tianjin platform: declaration line, box, MOD 97-10.
pub const TIANJIN: &str = include_str!("demo/tianjin.toml");

/// A lot code of a fictitious Hebei platform: party, product, day, sequence, MOD 37,36.
pub const HEBEI: &str = include_str!("demo/hebei.toml");

/// All three.
pub const ALL: [&str; 3] = [BEIJING, TIANJIN, HEBEI];
