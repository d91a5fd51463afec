"""Where profiles are collected already: profile servers, asked for those of one container."""
