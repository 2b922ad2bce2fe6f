"""Many pictures as a job: it goes on after a restart, and can be watched and cancelled."""
