//! The store under stress: plans, migrations, encryption, what happens when a database or a server goes away.

mod plans;
