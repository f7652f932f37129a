//! Every generated file of the sample world, by its path under `tests/data`.

mod beijing;
mod cast;
mod chain;
pub(crate) mod flow;
mod hebei;
mod ids;
mod lots;
mod places;
mod story;
mod tianjin;
mod words;

pub(crate) use story::world;

/// Every file with its bytes.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let world = world();
    vec![
        ("beijing/registry.csv", beijing::registry(&world.beijing)),
        ("beijing/events.csv", beijing::events(&world.beijing)),
        ("tianjin/export.json", tianjin::export(&world.tianjin)),
        ("hebei/export.xml", hebei::export(&world.hebei)),
        ("hebei/positive.xml", hebei::positive(&world.positive)),
        ("hebei/correction.ndjson", hebei::correction(&world)),
        ("epcis/beef-chain.jsonld", chain::document(&world)),
    ]
}
