"""Makes this folder a package, so that tests import the integration from here."""
