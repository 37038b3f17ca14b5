#pragma once
#define PROGRAM_MD5 "739467e4c47a13a83fe87596cf0f8c31"
