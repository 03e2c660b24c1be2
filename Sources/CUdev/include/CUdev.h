// libudev, as Debian's libudev-dev has it (libudev(3)): opaque pointers and plain functions, so nothing has to be wrapped.
#ifndef CUDEV_H
#define CUDEV_H
#include <libudev.h>
#endif
