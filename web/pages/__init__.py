"""The pages that people see, and what stands at the root beside them; one module each."""
