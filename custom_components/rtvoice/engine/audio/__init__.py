"""Audio as samples: frames, rates and resampling."""
