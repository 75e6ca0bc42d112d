/* image/font.h - a bitmap font for legends. Internal to src/image. */
#ifndef QN_IMAGE_FONT_H
#define QN_IMAGE_FONT_H

/* Letters have no space around them: put the next one LETTER_WIDTH + 1 further. */
enum { QN_IMAGE_LETTER_WIDTH = 5, QN_IMAGE_LETTER_HEIGHT = 8 };

/* Whether pixel (x, y) of the letter is drawn; outside the letter none is. Bytes that are not printable ASCII are
   drawn as a box. */
int qn_image_font_has_ink(unsigned char letter, int x, int y);

#endif
