// The only door to libpq. <sys/eventfd.h> and <poll.h> come along because Swift's Glibc module does not export eventfd.
#pragma once
#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
