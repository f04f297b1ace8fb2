/**
 * What a page is given: a game, its fields and its methods as functions of plain numbers.
 *
 * `ganfield.export` writes `const model = {…};` in place of the marker in the page's script. A state is a flat array of
 * numbers, θ and φ first. `options` holds the values of `sliders`, in their order.
 */

export type Bounds = [[number, number], [number, number]];
export type Point = [number, number];
/** A plain or a typed array. */
export type Numbers = ArrayLike<number> & Iterable<number>;
export type State = Numbers;
export type Options = Numbers;

export interface Slider {
  /** The setting's name, such as "gamma". */
  name: string;
  /** What the page shows, such as "γ, the weight of −∇L". */
  label: string;
  /** Whose setting it is; a slider is shown while its owner is chosen. */
  of: "method" | "game" | "transform" | "optimizer";
  /** The owner's name: of a game, field, method or optimizer below. Empty for one that is always shown. */
  owner?: string;
  min: number;
  max: number;
  value: number;
  /** One sentence: what the setting does. */
  doc?: string;
}

export interface Game {
  name: string;
  label: string;
  formula: string;
  doc: string;
}

export interface Field {
  /** The place of its game in `games`. */
  game: number;
  /** "v" for the game's own field; the transform's name for others. */
  name: string;
  label: string;
  formula: string;
  doc: string;
  value(x: State, options: Options): Numbers;
  /** Row by row. */
  jacobian(x: State, options: Options): Numbers;
}

export interface Method {
  name: string;
  label: string;
  optimizer: string;
  doc: string;
  /** How many numbers a state holds. */
  size: number;
  init(field: Field, x: State, options: Options): State;
  step(field: Field, state: State, options: Options): State;
  /** The derivative of the step, size × size, row by row. Where it is null the page takes differences. */
  jacobian: ((field: Field, state: State, options: Options) => Numbers | null) | null;
}

/** What the page tells `programs`: names as in the model, all numbers as they are shown. */
export interface ProgramChoice {
  game: string;
  field: string;
  method: string;
  optimizer: string;
  options: number[];
  bounds: Bounds;
  starts: Point[];
  steps: number;
}

export interface Model {
  title: string;
  parameters: [string, string];
  bounds: Bounds;
  sliders: Slider[];
  games: Game[];
  fields: Field[];
  methods: Method[];
  programs(choice: ProgramChoice): string;
}

declare global {
  const model: Model;
}
