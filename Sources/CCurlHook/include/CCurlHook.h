#ifndef CCURLHOOK_H
#define CCURLHOOK_H
#endif
