"""What the tests stand on: real servers, real processes, real sockets."""
