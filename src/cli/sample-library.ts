/**
 * A few files to share for whoever has named none: texts by Shakespeare, long in the public
 * domain, and a sound and a picture of our own. The same bytes every time.
 */

export interface SampleFile {
  /** Inside the library. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

export function sampleFiles(): SampleFile[] {
  return [
    { path: 'Shakespeare/Romeo and Juliet - Prologue.txt', content: PROLOGUE },
    { path: 'Shakespeare/Romeo and Juliet - Balcony.txt', content: BALCONY },
    { path: 'Shakespeare/Hamlet - To be, or not to be.txt', content: HAMLET },
    { path: 'Shakespeare/Sonnet 18.txt', content: SONNET },
    { path: 'Pictures/Verona at dusk.svg', content: PICTURE },
    { path: 'Sounds/Tuning fork A4.wav', content: tone(440, 20) },
  ];
}

const PROLOGUE = `THE TRAGEDY OF ROMEO AND JULIET
by William Shakespeare

THE PROLOGUE

Two households, both alike in dignity,
In fair Verona, where we lay our scene,
From ancient grudge break to new mutiny,
Where civil blood makes civil hands unclean.
From forth the fatal loins of these two foes
A pair of star-cross'd lovers take their life;
Whose misadventur'd piteous overthrows
Doth with their death bury their parents' strife.
The fearful passage of their death-mark'd love,
And the continuance of their parents' rage,
Which, but their children's end, nought could remove,
Is now the two hours' traffic of our stage;
The which, if you with patient ears attend,
What here shall miss, our toil shall strive to mend.
`;

const BALCONY = `THE TRAGEDY OF ROMEO AND JULIET
by William Shakespeare

ACT II, SCENE II. Capulet's garden.

ROMEO.
He jests at scars that never felt a wound.

    Juliet appears above at a window.

But soft, what light through yonder window breaks?
It is the east, and Juliet is the sun!
Arise fair sun and kill the envious moon,
Who is already sick and pale with grief,
That thou her maid art far more fair than she.

JULIET.
O Romeo, Romeo, wherefore art thou Romeo?
Deny thy father and refuse thy name.
Or if thou wilt not, be but sworn my love,
And I'll no longer be a Capulet.

ROMEO.
[Aside.] Shall I hear more, or shall I speak at this?

JULIET.
'Tis but thy name that is my enemy;
Thou art thyself, though not a Montague.
What's Montague? It is nor hand nor foot,
Nor arm, nor face, nor any other part
Belonging to a man. O be some other name.
What's in a name? That which we call a rose
By any other name would smell as sweet.
`;

const HAMLET = `THE TRAGEDY OF HAMLET, PRINCE OF DENMARK
by William Shakespeare

ACT III, SCENE I. A room in the castle.

HAMLET.
To be, or not to be, that is the question:
Whether 'tis nobler in the mind to suffer
The slings and arrows of outrageous fortune,
Or to take arms against a sea of troubles,
And by opposing end them? To die, to sleep,
No more; and by a sleep to say we end
The heart-ache, and the thousand natural shocks
That flesh is heir to: 'tis a consummation
Devoutly to be wish'd.
`;

const SONNET = `SONNET 18
by William Shakespeare

Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee.
`;

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200">
  <defs>
    <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="#27345f"/>
      <stop offset="1" stop-color="#f2a65a"/>
    </linearGradient>
  </defs>
  <rect width="320" height="200" fill="url(#sky)"/>
  <circle cx="236" cy="128" r="22" fill="#ffe8b0"/>
  <path d="M0 200V150h40v-30h24v30h30v-58l14-18 14 18v58h50v-22h18v22h60v-40h26v40h44v50z" fill="#1b1f33"/>
</svg>
`;

const SAMPLE_RATE = 44_100;
const HEADER_BYTES = 44;

/** A sine of `hertz` as a WAV file: one channel, 16 bits. */
function tone(hertz: number, seconds: number): Uint8Array {
  const samples = SAMPLE_RATE * seconds;
  const wav = Buffer.alloc(HEADER_BYTES + samples * 2);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16); // length of the format that follows
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // channels
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(SAMPLE_RATE * 2, 28); // bytes a second
  wav.writeUInt16LE(2, 32); // bytes a sample
  wav.writeUInt16LE(16, 34); // bits a sample
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(samples * 2, 40);
  for (let at = 0; at < samples; at += 1) {
    wav.writeInt16LE(
      Math.round(8000 * Math.sin((2 * Math.PI * hertz * at) / SAMPLE_RATE)),
      HEADER_BYTES + at * 2,
    );
  }
  return wav;
}
