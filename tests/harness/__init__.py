"""What the tests are made with: the launched runtime, its processes, and clients that speak as an Editor does."""
