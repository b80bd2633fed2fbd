"""Three talks as speech recognition writes them down, with questions that they answer and near
misses that they do not. The rules were written with them in view; the constants are fitted to the
development questions alone."""

from __future__ import annotations

from tests.analyze.qa.timed_text import in_a_row

COOKING = {
    "said": in_a_row(
        "Hello everyone and welcome back to my kitchen.",
        "My name is Maria Lopez and today I'm going to show you",
        "how to make a classic French onion soup.",
        "You will need six large yellow onions,",
        "four tablespoons of butter and two liters of beef stock.",
        "First, slice the onions as thinly as you can.",
        "Then melt the butter in a heavy pot over medium heat.",
        "The onions have to cook slowly for about forty five minutes",
        "until they are deep golden brown.",
        "If you rush this step, they will burn and taste bitter.",
        "Now pour in a glass of dry white wine",
        "and scrape the bottom of the pot.",
        "Add the stock, a bay leaf and some fresh thyme.",
        "Let it simmer for another thirty minutes.",
        "Meanwhile, preheat the oven to two hundred degrees.",
        "Toast some slices of baguette and cover them with Gruyère cheese.",
        "Float the bread on the soup and put it under the broiler",
        "until the cheese is bubbling.",
        "My grandmother used to make this every Sunday in Lyon.",
        "Don't forget to subscribe, and I'll see you next Thursday.",
    ),
    "written": [
        (0, 6, "French Onion Soup"),
        (2, 8, "Maria Lopez"),
        (2, 8, "Chef, Cooking with Maria"),
        (100, 110, "www.mariacooks.com"),
    ],
    "seen": [(5, 40, "apron"), (10, 30, "Dutch oven"), (60, 80, "French loaf")],
}
NEWS = {
    "said": in_a_row(
        "Good evening, this is the six o'clock news with Daniel Reed.",
        "The city council has approved a new bridge over the Harlow river.",
        "The bridge will cost eighty million dollars and is expected to be finished in 2031.",
        "Mayor Susan Clarke called it the most important investment in a generation.",
        "Critics say that the money should have been spent on schools.",
        "In other news, a fire destroyed a warehouse in the port district last night.",
        "Nobody was hurt, and the police are looking for two men in a grey van.",
        "Turning to sports, the Falcons beat the Rangers three to one.",
        "Carter scored twice in the second half.",
        "The weather tomorrow will be cloudy with a high of nineteen degrees.",
        "Rain is expected on Friday.",
    ),
    "written": [
        (0, 5, "EVENING NEWS 18:00"),
        (15, 22, "MAYOR SUSAN CLARKE"),
        (30, 40, "POLICE HOTLINE 0800 555 123"),
    ],
    "seen": [(10, 30, "suspension bridge"), (31, 40, "fire truck"), (50, 60, "football helmet")],
}
LECTURE = {
    "said": in_a_row(
        "So today we're looking at photosynthesis.",
        "Photosynthesis is the process by which plants turn light into chemical energy.",
        "It takes place in the chloroplasts.",
        "Chlorophyll absorbs mostly red and blue light, and that's why leaves look green.",
        "The light reactions split water and release oxygen.",
        "In the Calvin cycle, carbon dioxide is turned into sugar.",
        "It was discovered by Melvin Calvin at Berkeley in the nineteen fifties.",
        "He won the Nobel Prize in Chemistry in 1961.",
        "One glucose molecule needs six molecules of carbon dioxide.",
        "For next week, please read chapter eight and hand in your lab reports.",
        "My office hours are on Wednesday from two to four in room 214.",
    ),
    "written": [(0, 20, "BIO 101: Photosynthesis"), (0, 20, "Prof. A. Hartmann")],
    "seen": [(5, 60, "desk"), (5, 60, "lab coat")],
}
TALKS = {"cooking.mp4": COOKING, "news.mp4": NEWS, "lecture.mp4": LECTURE}

#: By talk (none: all of them) questions with a word that the answer holds.
ANSWERABLE = {
    "cooking.mp4": {
        "How many onions do you need?": "six",
        "How long do the onions cook?": "forty five",
        "What happens if you rush?": "burn",
        "What kind of cheese is used?": "Gruyère",
        "How hot should the oven be?": "two hundred",
        "What kind of wine is added?": "white",
        "Where did her grandmother make the soup?": "Lyon",
        "What is the website?": "mariacooks",
        "How much butter is needed?": "four tablespoons",
        "What soup is made?": "onion soup",
        "When does the bread appear?": "French loaf",
        "What is said about thyme?": "thyme",
        "how long does the soup simmer?": "thirty minutes",
        "What should be scraped?": "bottom of the pot",
    },
    "news.mp4": {
        "Who is the mayor?": "Susan Clarke",
        "How much will the bridge cost?": "eighty million",
        "When will the bridge be finished?": "2031",
        "What river does the bridge cross?": "Harlow",
        "Who scored twice?": "Carter",
        "What colour is the van?": "grey",
        "What is the police hotline?": "0800",
        "When is rain expected?": "Friday",
        "What do critics say?": "schools",
        "What burned down?": "warehouse",
        "When is the fire truck seen?": "fire truck",
        "What is the temperature tomorrow?": "nineteen",
        "Who presents the news?": "Daniel Reed",
    },
    "lecture.mp4": {
        "What is photosynthesis?": "process",
        "Where does photosynthesis take place?": "chloroplasts",
        "Why do leaves look green?": "absorbs",
        "Who discovered the Calvin cycle?": "Melvin Calvin",
        "When did he win the Nobel Prize?": "1961",
        "What should students read for next week?": "chapter eight",
        "When are the office hours?": "Wednesday",
        "Which room is the office in?": "214",
        "What do the light reactions release?": "oxygen",
        "How many molecules of carbon dioxide are needed?": "six",
        "What is carbon dioxide turned into?": "sugar",
    },
    None: {
        "Which video is about plants?": "lecture.mp4",
        "Which video explains how to make soup?": "cooking.mp4",
        "Which videos show a fire truck?": "news.mp4",
        "Who is the mayor?": "Susan Clarke",
        "Which video mentions Gruyère?": "cooking.mp4",
    },
}
UNANSWERABLE = {
    "cooking.mp4": [
        "Is there a dog in the video?",
        "How many eggs do you need?",
        "What is the name of her husband?",
        "How much does the pot cost?",
        "When do you add the carrots?",
        "What kind of meat is used?",
        "Which restaurant does she own?",
        "What is the phone number of the kitchen?",
    ],
    "news.mp4": [
        "Who is the president?",
        "How much will the new stadium cost?",
        "What is the name of the hospital?",
        "When will the tunnel be opened?",
        "What colour is the police car?",
        "How many people died in the earthquake?",
        "Who is the coach of the Falcons?",
        "What is the price of oil?",
    ],
    "lecture.mp4": [
        "What is mitosis?",
        "When is the exam?",
        "How many students are in the class?",
        "What is the professor's email address?",
        "Where does respiration take place?",
        "Who discovered penicillin?",
        "Which textbook is used?",
        "Is there a cat in the video?",
    ],
    None: [
        "Which video is about astronomy?",
        "Where can I buy tickets?",
        "What is the capital of Peru?",
        "How do I reset my password?",
        "When was the castle built?",
    ],
}
