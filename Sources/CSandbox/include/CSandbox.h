#pragma once
int csandbox_version(void);
