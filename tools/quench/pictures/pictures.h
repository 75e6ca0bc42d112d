/* pictures/pictures.h - lists of picture files. */
#ifndef QUENCH_PICTURES_PICTURES_H
#define QUENCH_PICTURES_PICTURES_H

#include "cli/cli.h"
#include "quench/image.h"

typedef struct picture_list {
    char **paths;
    size_t count, capacity;
    int takes_results; /* those of `segment` too; set before anything is added */
} picture_list;

/* Adds a file as it is, or, for a folder, every picture in it (by ending: jpg, jpeg, png, ppm, pgm and their variants),
   sorted by name; folders in it are not looked into. Left out, and said so, are results of `segment`, which carry a
   mark, unless the list takes them, and with a warning pictures of kinds or endings that are not read. IO; NOT_FOUND if the folder holds none. */
qn_status *picture_list_add(picture_list *list, const char *path) QN_MUST_USE;
void picture_list_deinit(picture_list *list);

/* Reads a text with one name a line, as lists of data sets are: blanks at the ends of lines, CRLF, empty lines and a
   missing last newline do no harm. NOT_FOUND, IO; INVALID_ARGUMENT if it names nothing. */
qn_status *picture_list_read(picture_list *list, const char *path) QN_MUST_USE;

/* What `segment` saves of a picture, by its name in options and the ending of its file. */
typedef enum picture_result {
    PICTURE_INDEXED,
    PICTURE_RGB,
    PICTURE_OVERLAY,
    PICTURE_GRAY,
    PICTURE_LEGEND,
    PICTURE_RESULTS
} picture_result;
extern const char *const picture_result_names[PICTURE_RESULTS], *const picture_result_endings[PICTURE_RESULTS];

/* What a file is by its name, as if `segment` had saved it, and how long the name is without the ending
   ("out/a.gray.png": PICTURE_GRAY, 5). PICTURE_RESULTS if it ends otherwise, and the length is that of the whole. */
picture_result picture_result_find(const char *path, size_t *out_length);

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
