//! Code schemes: a declarative grammar that says what a trace code is made of, which parts identify
//! the unit, and by which vectors that can be tested.

mod canonical;

pub use canonical::canonical;
