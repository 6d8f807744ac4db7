//! Practising: what a provider will send, had with a scratch organization and shown step by step.

use actix_web::http::StatusCode;
use askama::Template;

use crate::service::practice::{Exercise, PracticeError, Practised};

use super::super::answer::Answer;
use super::super::frame::Frame;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/connections/{id}/practise", Needs::Right("organization:manage-connections"), choose),
    Page::post(
        "/o/{organization}/connections/{id}/practise",
        Needs::Right("organization:manage-connections"),
        practise,
    ),
];

#[derive(Template)]
#[template(path = "console/practise.html")]
struct PractisePage {
    frame: Frame,
    id: String,
    name: String,
    exercises: Vec<Exercise>,
    problem: String,
}

#[derive(Template)]
#[template(path = "console/practised.html")]
struct PractisedPage {
    frame: Frame,
    id: String,
    name: String,
    done: Practised,
    tone: &'static str,
}

fn choose(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new())?)
}

fn page(visit: &Visit, problem: String) -> Result<PractisePage, Refusal> {
    let connection = super::named(visit)?;
    Ok(PractisePage {
        frame: visit.frame(format!("Practise {}", super::provider(connection.profile)), "connections"),
        id: connection.id.to_string(),
        name: connection.name,
        exercises: visit.practice.exercises(connection.profile),
        problem,
    })
}

fn practise(visit: &Visit) -> Result<Answer, Refusal> {
    let connection = super::named(visit)?;
    match visit.practice.practise(connection.profile, visit.form.text("exercise")?) {
        Ok(done) => {
            let tone = match done.word.as_str() {
                "passed" => "ok",
                "failed" => "bad",
                _ => "idle",
            };
            let title = match done.word.as_str() {
                "passed" => {
                    format!("{}: everything was answered as {} expects", done.exercise.id, done.exercise.provider)
                }
                word => format!("{}: {word}", done.exercise.id),
            };
            Answer::page(&PractisedPage {
                frame: visit.frame(title, "connections"),
                id: connection.id.to_string(),
                name: connection.name,
                done,
                tone,
            })
        }
        Err(error @ (PracticeError::Busy | PracticeError::Off)) => {
            Answer::page_with(StatusCode::CONFLICT, &page(visit, sentence(&error.to_string()))?)
        }
        Err(PracticeError::Unknown) => Err(Refusal::NotFound),
        Err(PracticeError::Failed(why)) => {
            tracing::error!(error = %why, "practising failed");
            Err(Refusal::Fault)
        }
    }
}
