"""Where satellites hear and speak: one module for each kind of place, and the table of kinds."""
