"""Speed beside other libraries, on the same work in the same run."""
