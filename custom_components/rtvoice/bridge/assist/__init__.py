"""An agent behind Assist pipelines: their ears and mouths are whatever satellite they run for."""
