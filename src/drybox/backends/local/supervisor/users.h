/* Users and namespaces: of a template, and of the sandboxes that it is forked into. */
#ifndef DRYBOX_USERS_H
#define DRYBOX_USERS_H

void fail(const char *what) __attribute__((noreturn));
int bring_up_loopback(void);
void become_user(char *word, int template);
void start_joined(char **words, const int fds[3]) __attribute__((noreturn));

#endif
