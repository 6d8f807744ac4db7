//! The product from outside, on both databases: one binary, because linking is what costs.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod throw_away_databases;
