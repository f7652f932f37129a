//! The metrics page.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use consensus::Standing;
use rocks::Figures;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bodies::Bodies;
use crate::metrics::Metrics;

/// What the page is made from.
#[derive(Clone)]
pub(crate) struct Page {
    /// Figures.
    pub(crate) metrics: Arc<Metrics>,
    /// Where the replica stands.
    pub(crate) standing: watch::Receiver<Standing>,
    /// Transaction bodies.
    pub(crate) bodies: Bodies,
    /// What the database counts.
    pub(crate) figures: Figures,
}

async fn metrics(State(page): State<Page>) -> Result<String, StatusCode> {
    let standing = page.standing.borrow().clone();
    let (waiting, _) = page.bodies.waiting();
    page.metrics
        .text(&standing, waiting, &page.figures.reads())
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Serves `/metrics` until the process ends.
pub(crate) async fn serve(listener: TcpListener, page: Page) -> std::io::Result<()> {
    let router = Router::new().route("/metrics", get(metrics)).with_state(page);
    axum::serve(listener, router).await
}
