//! Promise: what is wrong with a file of Docker's networks is found by the rule for it and by no other, mended record for
//! record, and silent files stay so.

#![cfg(feature = "net")]

mod changes;
mod hosts;
mod places;
mod plant;
mod rebuilt;
mod rows;
mod rules;
mod wild;
