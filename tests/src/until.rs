//! The one place that waits for something to become true.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Pause between two looks. A node says where it stands when it is asked and does not call back, so
/// somebody has to ask again; a tenth of the shortest time that any test measures.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until `look` finds something; `None` when `limit` has passed.
pub async fn found_within<T>(
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(PAUSE).await;
    }
}
