/* pictures/pictures.h - lists of picture files. */
#ifndef QUENCH_PICTURES_PICTURES_H
#define QUENCH_PICTURES_PICTURES_H

#include "cli/cli.h"
#include "quench/image.h"

typedef struct picture_list {
    char **paths;
    size_t count, capacity;
} picture_list;

/* Adds a file as it is, or, for a folder, every picture in it (by ending: jpg, jpeg, png, ppm, pgm and their variants),
   sorted by name; folders in it are not looked into. Left out, and said so, are results of `segment`, which carry a
   mark, and with a warning pictures of kinds or endings that are not read. IO; NOT_FOUND if the folder holds none. */
qn_status *picture_list_add(picture_list *list, const char *path) QN_MUST_USE;
void picture_list_deinit(picture_list *list);

/* Reads a text with one name a line, as lists of data sets are: blanks at the ends of lines, CRLF, empty lines and a
   missing last newline do no harm. NOT_FOUND, IO; INVALID_ARGUMENT if it names nothing. */
qn_status *picture_list_read(picture_list *list, const char *path) QN_MUST_USE;

/* Writes a PNG of `segment`, with the mark that tells it from pictures: `path` appears complete or not at all.
   @param palette  as qn_image_encode_png() */
qn_status *picture_save_result(const char *path, const qn_image *image, const qn_image_palette *palette) QN_MUST_USE;

/* Does the name end as pictures do (jpg, jpeg, png, ppm, pgm)? */
int picture_has_ending(const char *path);

/* The name without folder and ending ("a/b.c.jpg": "b.c"), freed with free(). NULL when memory is short. */
char *picture_stem(const char *path);

/* DIR/STEM.jpg or whichever of the endings exists; freed with free(). NULL if none does or memory is short. */
char *picture_find(const char *folder, const char *stem);
/* DIR/NAME.png for a picture's path, with or without its ending; freed with free(). NULL as picture_find(). */
char *picture_find_mask(const char *folder, const char *path);

#endif
