/* Examples, in the form of links to this very page; the first of a task is what a newcomer sees. */

/** @type {Record<string, {name: string, state: import("./share.js").State}[]>} */
export const EXAMPLES = {
  classify: [
    {
      name: "A headline",
      state: {
        text: "After extra time and two saves from the spot, the underdogs lift the cup for the first time.",
        label: ["sports", "politics", "business", "science", "cooking"],
        template: "This text is about {}.",
      },
    },
    {
      name: "A support ticket",
      state: {
        text: "I was charged twice for my order last week. Please send one of the payments back to my card.",
        label: ["billing", "delivery", "technical problem", "praise"],
        template: "This message is about {}.",
      },
    },
    {
      name: "A review",
      state: {
        text: "The plot is thin and the ending falls flat, but the music stayed with me for days.",
        label: ["plot", "music", "acting", "price"],
        template: "This review mentions the {}.",
        multi: true,
      },
    },
    {
      name: "A spoken command",
      state: {
        text: "play some quiet jazz for the evening",
        label: ["play music", "get the weather", "book a table", "set an alarm"],
        template: "The user wants to {}.",
      },
    },
  ],
  nli: [
    {
      name: "It follows",
      state: {
        premise: "A man is playing a guitar on a stage in front of a large crowd.",
        hypothesis: "Someone is making music.",
      },
    },
    {
      name: "It cannot be",
      state: {
        premise: "The library is closed on Sundays and on public holidays.",
        hypothesis: "The library is open every day.",
      },
    },
    {
      name: "Who knows",
      state: {
        premise: "Two women are walking their dogs along the river.",
        hypothesis: "The two women are sisters.",
      },
    },
  ],
  check: [
    {
      name: "A museum guide",
      state: {
        document:
          "The Harbour Museum opened in 1987 in a former rope factory. It holds about four " +
          "thousand objects, most of them given by fishing families.\n\nThe museum is open from " +
          "ten to six and is closed on Mondays. Admission is free for children under twelve; " +
          "adults pay eight euros.\n\nIn 2019 a storm flooded the cellar and destroyed part of the " +
          "map collection. Since then all paper is kept on the upper floor. A café on the roof " +
          "serves lunch.",
        claim: [
          "The museum is closed on Mondays.",
          "The storm did no damage.",
          "The café serves lunch.",
          "Visitors like the café.",
        ],
      },
    },
    {
      name: "A summary of minutes",
      state: {
        document:
          "Minutes of the works council, 4 March. Present: nine of eleven members.\n\nThe council " +
          "agreed to move the summer party from June to September. The motion was carried by seven " +
          "votes to two.\n\nMs. Okafor reported that the canteen will stay open until three in the " +
          "afternoon. The new bicycle stands have been ordered but not delivered.\n\nThe next " +
          "meeting takes place on 8 April.",
        claim: [
          "The summer party takes place in September.",
          "The vote was unanimous.",
          "All eleven members were present.",
          "The party costs more than last year.",
        ],
      },
    },
  ],
};
