//! What this decision point offers, and where (Authorization API 1.0, Policy Decision Point Metadata).

use serde_json::json;

/// Where the metadata stands.
pub const PATH: &str = "/.well-known/authzen-configuration";

/// The document; links come from the public address alone.
pub fn document(public_url: &str) -> Vec<u8> {
    let at = |path: &str| format!("{public_url}/access/v1/{path}");
    let document = json!({
        "policy_decision_point": public_url,
        "access_evaluation_endpoint": at("evaluation"),
        "access_evaluations_endpoint": at("evaluations"),
        "search_subject_endpoint": at("search/subject"),
        "search_resource_endpoint": at("search/resource"),
        "search_action_endpoint": at("search/action"),
    });
    document.to_string().into_bytes()
}
