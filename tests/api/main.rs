//! The product from outside, on both databases: one binary, because linking is what costs.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod hostile_input;
#[cfg(test)]
mod identifiers;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod patch_paths;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod races;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod throw_away_databases;
