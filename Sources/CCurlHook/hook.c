#include "CCurlHook.h"
