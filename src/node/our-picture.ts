/** The picture that clients show beside a node's name: a few fish, our own. 64 by 64, four colours. */

export const OUR_PICTURE = {
  mediaType: 'image/png',
  base64:
    'iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAgMAAADXB5lNAAAADFBMVEUdW3nysTT///8AAAD4SPljAAAAq0lEQVR42t2SQQ7DIAwE' +
    't1UjVb33E31F8gMO+D88hSPyKxtIQx1WgVsPXSmRPHLiNQvwb5rX52aBx0VE3BcInisQA5Zcm5ZSyuIbIARk2OE7U1of5JR2OSrk' +
    '192ACFxVNVaQAM0KO1A8CkgVhFcBWkHc6vrNp4z1t7qLQBp2xNMp5KN1SrvQtnQe3UtiisnmBLgSnumR6RjlFq4TtGkTmIcdnSnk' +
    'g5zSLr/WGzajgqeZEo0KAAAAAElFTkSuQmCC',
} as const;
