"""What is measured together, with the same contestants. A part can be run without the others."""
