/** Such as `12 documents/s, about 3 min left`. */
export function paceText(rate: number, secondsLeft?: number): string {
  const pace = `${rateText(rate)} documents/s`;
  return secondsLeft === undefined ? pace : `${pace}, about ${timeText(secondsLeft)} left`;
}

/** Whole numbers, but for slow things, of which a whole number says nothing. */
export function rateText(rate: number): string {
  return rate >= 10 || rate === 0 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
}

/** In the two units that matter at that length: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function timeText(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${Math.ceil(minutes / 60) % 24} h`;
}
