//! Users and groups as clients send them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Client};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A user with nothing but a name.
pub fn user(user_name: &str) -> Value {
    json!({ "schemas": [USER], "userName": user_name })
}

/// A group with these members.
pub fn group(display_name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": display_name, "members": members })
}

impl Client {
    /// Creates a user; answers its id.
    #[track_caller]
    pub fn create_user(&self, user_name: &str) -> String {
        self.post("/Users", &user(user_name)).expect(201).id()
    }

    /// Creates a group; answers its id.
    #[track_caller]
    pub fn create_group(&self, display_name: &str, members: &[&str]) -> String {
        self.post("/Groups", &group(display_name, members)).expect(201).id()
    }

    /// A bulk request of these operations.
    #[track_caller]
    pub fn bulk(&self, operations: &Value) -> Answer {
        self.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations }))
    }

    /// The ids of a group's members.
    #[track_caller]
    pub fn members(&self, group: &str) -> BTreeSet<String> {
        let read = self.get(&format!("/Groups/{group}")).expect(200).json();
        read["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids of what a filter finds, in the order of the list.
    #[track_caller]
    pub fn found(&self, endpoint: &str, filter: &str) -> Vec<String> {
        let page = self.filter(endpoint, filter).expect(200).json();
        let ids = ids(&page);
        assert_eq!(page["totalResults"], ids.len(), "{filter}");
        ids
    }
}

/// The ids on a page.
pub fn ids(page: &Value) -> Vec<String> {
    page["Resources"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect()
}

/// Runs `work` for 0, 1, … below `times` on so many threads at once; answers what each made, in order.
pub fn in_parallel<T: Send>(threads: usize, times: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    let mut made: Vec<(usize, T)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || (thread..times).step_by(threads).map(|at| (at, work(at))).collect::<Vec<_>>())
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}
